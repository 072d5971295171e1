"""The roles of the practice. Each app's migrations grant their own permissions to them; a test asserts the result."""

EDITOR = "Editor"
CLINICAL_REVIEWER = "Clinical reviewer"
BILLING = "Billing"
BILLING_LEAD = "Billing lead"
HIRING = "Hiring"
APPLICATION_REVIEWER = "Application reviewer"
FRONT_DESK = "Front desk"
RESOURCES_EDITOR = "Resources editor"
PHYSICIAN = "Physician"
REFERRING_OFFICE = "Referring office"
ADMINISTRATOR = "Administrator"

STAFF_ROLES = (
    EDITOR, CLINICAL_REVIEWER, BILLING, BILLING_LEAD, HIRING, APPLICATION_REVIEWER, FRONT_DESK, RESOURCES_EDITOR,
    ADMINISTRATOR,
)  # fmt: skip
ROLES = (*STAFF_ROLES, PHYSICIAN, REFERRING_OFFICE)

VERBS = {"v": "view", "a": "add", "c": "change", "d": "delete"}


def grant(app_label: str, grants: dict[str, dict[str, str]]):
    """A pair of functions for RunPython that give roles permissions on the models of one app, and take them back.

    `grants` is {role: {model: letters}}, with the letters v(iew), a(dd), c(hange), d(elete), or whole codenames of
    the app's own permissions under the key "": {"Editor": {"topic": "vacd", "": "publish_article"}}.
    Django makes Permission rows only after all migrations, so those that are missing are made here.
    """

    def codenames(models: dict[str, str]):
        for model, letters in models.items():
            if "." in model:
                model_name, codename = model.split(".")
                yield model_name, codename, letters
            else:
                for letter in letters:
                    yield model, f"{VERBS[letter]}_{model}", f"Can {VERBS[letter]} {model}"

    def forward(apps, schema_editor):
        content_type = apps.get_model("contenttypes", "ContentType")
        permission = apps.get_model("auth", "Permission")
        group = apps.get_model("auth", "Group")
        for role, models in grants.items():
            holder, _ = group.objects.get_or_create(name=role)
            for model, codename, name in codenames(models):
                kind, _ = content_type.objects.get_or_create(app_label=app_label, model=model)
                row, _ = permission.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": name})
                holder.permissions.add(row)

    def backward(apps, schema_editor):
        permission = apps.get_model("auth", "Permission")
        group = apps.get_model("auth", "Group")
        for role, models in grants.items():
            names = [codename for _model, codename, _name in codenames(models)]
            for holder in group.objects.filter(name=role):
                holder.permissions.remove(
                    *permission.objects.filter(content_type__app_label=app_label, codename__in=names)
                )

    return forward, backward
