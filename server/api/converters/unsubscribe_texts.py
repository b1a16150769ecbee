"""What the unsubscribe page says, by language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageTexts:
    """The page in one language."""

    title: str
    question: str
    unsubscribe: str
    unsubscribed: str
    categories: str
    everything: str
    suppressed: str
    """The address gets nothing, and no switch changes that."""
    on: str
    off: str


ENGLISH = PageTexts(
    title="Your messages",
    question="Do you want to receive no more of these messages?",
    unsubscribe="Unsubscribe",
    unsubscribed="You will receive no more of these messages.",
    categories="What you receive",
    everything="Everything",
    suppressed="Nothing is sent to you here.",
    on="On",
    off="Off",
)
TEXTS: dict[str, PageTexts] = {
    "en": ENGLISH,
    "de": PageTexts(
        title="Ihre Nachrichten",
        question="Möchten Sie keine dieser Nachrichten mehr erhalten?",
        unsubscribe="Abmelden",
        unsubscribed="Sie erhalten keine dieser Nachrichten mehr.",
        categories="Was Sie erhalten",
        everything="Alles",
        suppressed="Hierhin wird Ihnen nichts gesendet.",
        on="Ein",
        off="Aus",
    ),
    "fr": PageTexts(
        title="Vos messages",
        question="Souhaitez-vous ne plus recevoir ces messages ?",
        unsubscribe="Se désabonner",
        unsubscribed="Vous ne recevrez plus ces messages.",
        categories="Ce que vous recevez",
        everything="Tout",
        suppressed="Rien ne vous est envoyé ici.",
        on="Activé",
        off="Désactivé",
    ),
    "es": PageTexts(
        title="Sus mensajes",
        question="¿Desea dejar de recibir estos mensajes?",
        unsubscribe="Darse de baja",
        unsubscribed="Ya no recibirá estos mensajes.",
        categories="Lo que recibe",
        everything="Todo",
        suppressed="Aquí no se le envía nada.",
        on="Activado",
        off="Desactivado",
    ),
    "pt": PageTexts(
        title="As suas mensagens",
        question="Deseja deixar de receber estas mensagens?",
        unsubscribe="Cancelar subscrição",
        unsubscribed="Não receberá mais estas mensagens.",
        categories="O que recebe",
        everything="Tudo",
        suppressed="Nada lhe é enviado aqui.",
        on="Ligado",
        off="Desligado",
    ),
}
"""By language; a person's locale `pt-BR` is `pt`."""


def language_of(locale: str | None) -> str:
    """The language of the page for somebody with this locale: English unless we have theirs."""
    language = (locale or "").partition("-")[0].lower()
    return language if language in TEXTS else "en"
