from pathlib import Path

from education.packs.loading import import_pack

SAMPLE_PACK = Path(__file__).parent / "packs" / "sample"


def load() -> None:
    import_pack(SAMPLE_PACK)
