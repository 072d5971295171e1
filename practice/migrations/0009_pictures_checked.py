from django.db import migrations, models

import practice.models
import practice.pictures
from practice.accounts.roles import RESOURCES_EDITOR, grant

# To choose who has reviewed ordering advice.
grant_physicians, take_back = grant("practice", {RESOURCES_EDITOR: {"physician": "v"}})


class Migration(migrations.Migration):
    dependencies = [
        ("practice", "0008_notice_translations"),
    ]

    operations = [
        migrations.AlterField(
            model_name="identity",
            name="logo",
            field=models.ImageField(
                blank=True,
                help_text="A PNG or JPEG. Empty: the site's own mark.",
                upload_to=practice.models.logo_path,
                validators=[practice.pictures.check_picture],
                verbose_name="logo",
            ),
        ),
        migrations.AlterField(
            model_name="physician",
            name="portrait",
            field=models.ImageField(
                blank=True,
                upload_to=practice.models.portrait_path,
                validators=[practice.pictures.check_picture],
                verbose_name="portrait",
            ),
        ),
        migrations.RunPython(grant_physicians, take_back),
    ]
