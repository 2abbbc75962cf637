# ruff: noqa: RUF001, the texts are of many scripts
"""Texts on which tokenizers are compared: 2,000 slices of sentences in many languages.

Example:
    found = tokenizer_texts.make()
    len(found)  # 2000
"""

import itertools
from collections.abc import Sequence

COUNT = 2000
_WITH_TOKENS = 20
_SENTENCES = (
    "ALBERT is a lite BERT for self-supervised learning of language representations.",
    "How much does it cost to send a parcel of 2.5 kg from Lisbon to Oslo? About $12,500.00!",
    "In 1905 Albert Einstein published four papers that changed physics; 'Annus Mirabilis'.",
    "Contact support@example.com or call +1 555 0100, Monday to Friday, 9:00-17:30.",
    'def area(radius): return 3.14159 * radius ** 2  # "πr²" {see: http://example.com/?a=1&b=2}',
    "She said: \u201cIt\u2019s half past five \u2013 let\u2019s go\u2026\u201d (and left)",
    "Der Zug nach München fährt heute von Gleis 7 ab; die Straße bleibt groß, GROẞ.",
    "La bibliothèque est fermée le lundi, mais le café à côté est ouvert dès 8 h.",
    "¿Dónde está la estación de tren más cercana? ¡Mañana será otro día, señor!",
    "Amanhã não há sessão; a ação começa às três e meia.",
    "Perché l'università è così lontana? Più tardi andrò a piedi.",
    "Żółta łódź płynie po jeziorze, a źdźbła trawy się kołyszą.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "Árvíztűrő tükörfúrógép, és öt hűtőházból kértünk színhúst.",
    "İstanbul'da ILIK bir gün; ağaçlar çiçek açtı, ışık güçlü.",
    "Đường phố Hà Nội buổi sáng rất đông người và xe máy.",
    "På fjället blåser det; sjön är djup, åska och öl. Ærø, Œuvre, Łódź.",
    "Москва является столицей России, и ёлка стоит на площади.",
    "Київ — столиця України; їжак їсть яблуко, а ґанок новий.",
    "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας· ο Οδυσσέας ταξίδεψε.",
    "القاهرة هي عاصمة مصر، وفيها مَدَارِس كثيرة ومكتبات ١٢٣.",
    "ירושלים היא עיר עתיקה, וּבָהּ רחובות צרים.",
    "दिल्ली भारत की राजधानी है और यहाँ बहुत लोग रहते हैं।",
    "ঢাকা বাংলাদেশের রাজধানী এবং বড় শহর।",
    "சென்னை தமிழ்நாட்டின் தலைநகரம் ஆகும்.",
    "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย",
    "東京は日本の首都です。カタカナとひらがな、ﾊﾝｶｸ、２０２６年。",
    "北京是中国的首都，上海是最大的城市。「你好」！",
    "서울은 대한민국의 수도이며 한강이 흐른다.",
    "Temperatures: −5 °C … 30 °C; ½ cup, ¾ litre, 10 µm, H₂O, x² ≤ y³, №5, ™ ® ©",
    "Emoji 😀 👍🏽 👩‍💻 ❤️ and flags 🇩🇪 🇯🇵, soft\u00adhyphen, no\u00a0break, zero\u200bwidth.",
    "Tabs\tand  double   spaces, `` LaTeX quotes '' and -- dashes ___ under_scores",
)


def make() -> list[str]:
    """Returns whole sentences first, then windows of words and of characters of all of them."""
    words = " ".join(_SENTENCES).split(" ")
    joined = " ".join(_SENTENCES)
    found = dict.fromkeys(_SENTENCES)
    for step in itertools.count():
        if len(found) >= COUNT:
            return list(found)[:COUNT]
        start = 37 * step % len(words)
        found[" ".join(words[start : start + 1 + step % 23])] = None
        start = 101 * step % len(joined)
        found[joined[start : start + 3 + step % 61]] = None
    raise AssertionError  # the loop ends by returning


def with_tokens(tokens: Sequence[str]) -> list[str]:
    """Returns texts that have added tokens such as `[MASK]` in them, in every place of a word.

    Also in other case: what a tokenizer normalizes before it looks for a token may become one.
    """
    found = []
    for number, sentence in enumerate(_SENTENCES[:_WITH_TOKENS] if tokens else ()):
        words = sentence.split(" ")
        for token in tokens:
            words.insert(number % (len(words) + 1), token)
        found.append(" ".join(words))
    for token in tokens:
        found += [token, f"{token} first", f"last {token}", f"in{token}side", f"{token}{token}."]
        others = dict.fromkeys((token.upper(), token.capitalize()))
        found += [f"{other} first" for other in others if other != token]
    return found
