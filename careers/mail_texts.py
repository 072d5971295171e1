"""The shipped wording of every mail to applicants, in both languages; the office changes its own copy in the admin.

A word in braces is filled in when the mail is written: see `letters.PLACES`.
"""

from careers.models import LetterKind

GREETING, GREETING_ES = "Dear {name},\n\n", "Hola, {name}:\n\n"
END = "\n\nYou can see at any time where your application stands:\n{link}\n\n{practice}\n{phone}"
END_ES = "\n\nEn cualquier momento puede ver cómo va su solicitud:\n{link}\n\n{practice}\n{phone}"

# {kind: (subject, subject in Spanish, text, text in Spanish)}, the texts without greeting and end.
TEXTS = {
    LetterKind.RECEIVED: (
        "{practice}: we have received your application",
        "{practice}: recibimos su solicitud",
        "Thank you for applying for “{opening}”. Your application has arrived, and people here will read it.\n\n"
        "You will hear from us by {date}. We answer every application, whatever the outcome.",
        "Gracias por enviar su solicitud para “{opening}”. La recibimos y nuestro equipo la leerá.\n\n"
        "Tendrá noticias nuestras a más tardar el {date}. Respondemos a todas las solicitudes, sea cual sea el "
        "resultado.",
    ),
    LetterKind.IN_REVIEW: (
        "{practice}: your application is being read",
        "{practice}: estamos leyendo su solicitud",
        "Your application for “{opening}” is now being read by the people who would work with you.\n\n"
        "You will hear from us by {date}.",
        "Las personas que trabajarían con usted están leyendo su solicitud para “{opening}”.\n\n"
        "Tendrá noticias nuestras a más tardar el {date}.",
    ),
    LetterKind.INTERVIEW: (
        "{practice}: we would like to meet you",
        "{practice}: nos gustaría conocerle",
        "We would like to meet you about “{opening}”.\n\n{times}\n\nYou will hear from us by {date}.",
        "Nos gustaría conocerle para hablar de “{opening}”.\n\n{times}\n\n"
        "Tendrá noticias nuestras a más tardar el {date}.",
    ),
    LetterKind.BOOKED: (
        "{practice}: your interview",
        "{practice}: su entrevista",
        "Your interview for “{opening}” is fixed:\n\n{times}\n\nThe attached file puts it into your calendar. "
        "If you cannot come, please call us.",
        "Su entrevista para “{opening}” está confirmada:\n\n{times}\n\nEl archivo adjunto la agrega a su calendario. "
        "Si no puede venir, por favor llámenos.",
    ),
    LetterKind.HIRED: (
        "{practice}: we would be glad to have you with us",
        "{practice}: nos alegraría tenerle con nosotros",
        "We would be glad to have you with us as “{opening}”. We will call or write about the next steps.",
        "Nos alegraría tenerle con nosotros como “{opening}”. Le llamaremos o le escribiremos sobre los "
        "próximos pasos.",
    ),
    LetterKind.DECLINED: (
        "{practice}: news of your application",
        "{practice}: noticias de su solicitud",
        "Thank you for your interest in “{opening}”. We have decided not to go on with your application this time.\n\n"
        "We know how much work an application is, and we are grateful for the time you took. You are welcome to apply "
        "again.",
        "Gracias por su interés en “{opening}”. Esta vez decidimos no continuar con su solicitud.\n\n"
        "Sabemos cuánto trabajo lleva una solicitud y le agradecemos el tiempo que le dedicó. Puede volver a enviar "
        "una solicitud cuando quiera.",
    ),
    LetterKind.WITHDRAWN: (
        "{practice}: you have withdrawn your application",
        "{practice}: retiró su solicitud",
        "You have withdrawn your application for “{opening}”. We will not go on with it. Thank you for letting us "
        "know.",
        "Usted retiró su solicitud para “{opening}”. No seguiremos con ella. Gracias por avisarnos.",
    ),
}
SAVED = (
    "{practice}: your unfinished application",
    "{practice}: su solicitud sin terminar",
    "Hello,\n\nYou have saved an application for “{opening}”. It is not sent yet. Finish it here, by {date}:\n{link}\n"
    "\nWhoever has this link can read what you wrote, so please keep it to yourself. After that day we delete it.\n\n"
    "{practice}\n{phone}",
    "Hola:\n\nUsted guardó una solicitud para “{opening}”. Todavía no se ha enviado. Termínela aquí, a más tardar el "
    "{date}:\n{link}\n\nQuien tenga este enlace puede leer lo que escribió, así que no lo comparta. Después de ese "
    "día la borramos.\n\n{practice}\n{phone}",
)
SHIPPED: dict[str, dict[str, str]] = {
    kind.value: {
        "subject": subject,
        "subject_es": subject_es,
        "body": GREETING + body + END,
        "body_es": GREETING_ES + body_es + END_ES,
    }
    for kind, (subject, subject_es, body, body_es) in TEXTS.items()
} | {LetterKind.SAVED.value: dict(zip(("subject", "subject_es", "body", "body_es"), SAVED, strict=True))}
