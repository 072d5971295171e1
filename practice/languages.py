"""Languages in which a notice may be given beyond English and Spanish, each named as its readers name it."""

from django.conf.locale import LANG_INFO

# Those that Django knows: common languages of the United States. The name and the direction are Django's.
OF_DJANGO = (
    "ar", "bn", "de", "el", "fa", "fr", "hi", "hu", "hy", "it", "ja", "ko", "my", "ne", "nl", "pl", "pt",
    "ro", "ru", "sq", "sr", "sw", "ta", "te", "th", "uk", "ur", "vi", "zh-hans", "zh-hant",
)  # fmt: skip
# Those it does not know, or not by their own name: {BCP 47 code: (native name, English name)}.
MORE = {
    "am": ("አማርኛ", "Amharic"),
    "chr": ("ᏣᎳᎩ", "Cherokee"),
    "gu": ("ગુજરાતી", "Gujarati"),
    "haw": ("ʻŌlelo Hawaiʻi", "Hawaiian"),
    "hmn": ("Hmoob", "Hmong"),
    "ht": ("Kreyòl Ayisyen", "Haitian Creole"),
    "ilo": ("Ilokano", "Ilocano"),
    "km": ("ភាសាខ្មែរ", "Khmer"),
    "lo": ("ລາວ", "Lao"),
    "nv": ("Diné bizaad", "Navajo"),
    "om": ("Afaan Oromoo", "Oromo"),
    "pa": ("ਪੰਜਾਬੀ", "Punjabi"),
    "pdc": ("Deitsch", "Pennsylvania Dutch"),
    "so": ("Soomaali", "Somali"),
    "ti": ("ትግርኛ", "Tigrinya"),
    "tl": ("Tagalog", "Tagalog"),
    "yi": ("ייִדיש", "Yiddish"),
    "yo": ("Yorùbá", "Yoruba"),
}
KNOWN = {code: (LANG_INFO[code]["name_local"], LANG_INFO[code]["name"]) for code in OF_DJANGO} | MORE
RIGHT_TO_LEFT = {code for code in OF_DJANGO if LANG_INFO[code]["bidi"]} | {"yi"}
CHOICES = sorted(((code, f"{english} ({native})") for code, (native, english) in KNOWN.items()), key=lambda c: c[1])


def native_name(code: str) -> str:
    return KNOWN[code][0]


def direction(code: str) -> str:
    """For the `dir` attribute: "rtl" or "ltr"."""
    return "rtl" if code in RIGHT_TO_LEFT else "ltr"
