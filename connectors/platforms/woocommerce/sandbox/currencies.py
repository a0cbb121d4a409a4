"""The currencies that the sandbox shop knows, with their signs as WooCommerce writes them."""

from __future__ import annotations

from html import unescape

# code: (name, sign as an HTML entity)
CURRENCIES = {
    "AUD": ("Australian dollar", "&#36;"),
    "BRL": ("Brazilian real", "&#82;&#36;"),
    "CAD": ("Canadian dollar", "&#36;"),
    "CHF": ("Swiss franc", "&#67;&#72;&#70;"),
    "EUR": ("Euro", "&euro;"),
    "GBP": ("Pound sterling", "&pound;"),
    "INR": ("Indian rupee", "&#8377;"),
    "JPY": ("Japanese yen", "&yen;"),
    "KRW": ("South Korean won", "&#8361;"),
    "KWD": ("Kuwaiti dinar", "&#x62f;.&#x643;"),
    "MXN": ("Mexican peso", "&#36;"),
    "NZD": ("New Zealand dollar", "&#36;"),
    "SEK": ("Swedish krona", "&#107;&#114;"),
    "TND": ("Tunisian dinar", "&#x62f;.&#x62a;"),
    "USD": ("United States (US) dollar", "&#36;"),
}


def symbol(code: str) -> str:
    """The sign as text; the code itself where there is none."""
    return unescape(CURRENCIES[code][1]) if code in CURRENCIES else code
