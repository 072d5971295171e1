"""What every page knows: who the practice is."""

from django.utils.functional import SimpleLazyObject

from practice.models import Identity


def get_identity() -> Identity:
    """The practice, or a nameless one until somebody has filled it in."""
    return Identity.objects.first() or Identity(
        name="Our practice",
        main_phone="(000) 000-0000",
        scheduling_phone="(000) 000-0000",
        billing_phone="(000) 000-0000",
    )


def site(request):
    return {"identity": SimpleLazyObject(get_identity)}
