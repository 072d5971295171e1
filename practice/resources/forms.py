from django import forms

from practice.resources.models import Document
from practice.uploads import check_document


class DocumentForm(forms.ModelForm):
    class Meta:
        model = Document
        fields = "__all__"

    def clean_file(self):
        file = self.cleaned_data["file"]
        if "file" in self.changed_data and file:
            check_document(file)
        return file
