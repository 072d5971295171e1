from django import forms

from practice.resources.models import Document
from practice.uploads import check_document


class DocumentForm(forms.ModelForm):
    class Meta:
        model = Document
        fields = "__all__"  # noqa: DJ007  (the admin decides)
        # The usual widget links to the file at an address of its own, and there is none: it leaves by `download` only.
        widgets = {"file": forms.FileInput(attrs={"accept": ".pdf,.docx"})}

    def clean_file(self):
        file = self.cleaned_data["file"]
        if "file" in self.changed_data and file:
            check_document(file)
        return file
