"""What is now said by collection and version is no longer said by the document."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("resources", "0005_documents_get_versions")]

    operations = [
        migrations.AlterModelOptions(
            name="document",
            options={"ordering": ["title"], "verbose_name": "document", "verbose_name_plural": "documents"},
        ),
        migrations.RemoveConstraint(
            model_name="document",
            name="resources_document_audience_known",
        ),
        # Defaults, so that the columns can come back when this is undone; 0005 then fills them.
        migrations.AlterField("document", "audience", models.CharField(default="staff", max_length=20)),
        migrations.AlterField("document", "file", models.FileField(default="", upload_to="")),
        migrations.RemoveField(model_name="document", name="audience"),
        migrations.RemoveField(model_name="document", name="file"),
        migrations.RemoveField(model_name="document", name="updated_on"),
        migrations.AlterField(
            model_name="document",
            name="is_current",
            field=models.BooleanField(
                default=True, help_text="Clear this to take it off the site.", verbose_name="on the site"
            ),
        ),
        migrations.AlterField(
            model_name="document",
            name="collection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="documents",
                to="resources.collection",
                verbose_name="collection",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("slug__in", ("collections", "contacts", "on-call", "ordering-guide", "search")), _negated=True
                ),
                name="resources_document_address_free",
                violation_error_message="This address belongs to a page of the site. Please choose another.",
            ),
        ),
    ]
