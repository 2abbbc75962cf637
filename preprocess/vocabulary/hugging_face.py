"""Describes a tokenizer of Hugging Face's libraries as data, without TensorFlow.

`tokenizer_json.read` and `tokenizer_config.read` make it; the engine that carries it out in the
graph is `preprocess.tokenizers.hugging_face_tokenizer`.

    tokenizer = tokenizer_json.read("tokenizer.json")
    tokenizer.steps  # (Replace(old="``", new='"'), ..., Unicode(form="NFKD"), ...)
"""

import dataclasses
import enum

from configs import errors
from preprocess.vocabulary import charsmap, sentencepiece_model, wordpiece_vocabulary


@dataclasses.dataclass(frozen=True, kw_only=True)
class AddedToken:
    """A token that is found in the text before the model segments what is between.

    Attributes:
      content: its text.
      id: its id; below the number of the model's pieces, or right behind them.
      special: whether it stands for no text, as `[CLS]` does.
      normalized: whether it is searched for in the normalized text, not in the raw text.
      lstrip: whether it takes the white space in front of it.
      rstrip: whether it takes the white space behind it.
      single_word: whether it counts only where no letter touches it.
    """

    content: str
    id: int
    special: bool = False
    normalized: bool = False
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False


@dataclasses.dataclass(frozen=True)
class Replace:
    """Replaces a literal string by another."""

    old: str
    new: str


@dataclasses.dataclass(frozen=True)
class Unicode:
    """Brings the text into a Unicode normalization form: NFC, NFD, NFKC or NFKD."""

    form: str


class Marks(enum.Enum):
    """Which characters count as accents, and the Unicode version that says so."""

    ALL = "StripAccents"  # general category M of Unicode 9
    NONSPACING = "BertNormalizer"  # general category Mn of Unicode 8


@dataclasses.dataclass(frozen=True)
class RemoveMarks:
    """Removes accents."""

    marks: Marks


@dataclasses.dataclass(frozen=True)
class Lowercase:
    """Lower-cases every character by itself: a final sigma like any other."""


@dataclasses.dataclass(frozen=True)
class MapCharacters:
    """Replaces characters by the rules that a SentencePiece model was trained with."""

    rules: charsmap.Rules


@dataclasses.dataclass(frozen=True)
class CleanText:
    """Removes control characters and makes spaces of white space, as BERT does."""


@dataclasses.dataclass(frozen=True)
class SeparateIdeographs:
    """Puts spaces around Chinese characters, as BERT does."""


Step = Replace | Unicode | RemoveMarks | Lowercase | MapCharacters | CleanText | SeparateIdeographs


def bert_steps(
    *, clean_text: bool, separate_ideographs: bool, strip_accents: bool, lower_case: bool
) -> tuple[Step, ...]:
    """Returns the steps of the normalizer `BertNormalizer`."""
    steps: list[Step] = []
    if clean_text:
        steps.append(CleanText())
    if separate_ideographs:
        steps.append(SeparateIdeographs())
    if strip_accents:
        steps += [Unicode("NFD"), RemoveMarks(Marks.NONSPACING)]
    if lower_case:
        steps.append(Lowercase())
    return tuple(steps)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unigram:
    """The fast tokenizers' Unigram model.

    Attributes:
      vocabulary: the same pieces as a SentencePiece model that any runtime can use.
      proto: the same pieces as the graph needs them: the text comes normalized, spaces included.
      splits_at_white_space: whether any white space separates words; if only spaces do, one at a
        text's end is a piece of its own.
      strips_last: whether white space at the end of the normalized text is removed.
    """

    vocabulary: sentencepiece_model.SentencePieceModel
    proto: bytes = dataclasses.field(repr=False)
    splits_at_white_space: bool
    strips_last: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlowAlbert:
    """The AlbertTokenizer of transformers 4, which is a SentencePiece model in Python.

    Attributes:
      vocabulary: the model.
      lower_case: `do_lower_case`.
      keep_accents: `keep_accents`.
      remove_space: `remove_space`, whether runs of white space become one space.
    """

    vocabulary: sentencepiece_model.SentencePieceModel
    lower_case: bool
    keep_accents: bool
    remove_space: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordPiece:
    """The fast tokenizers' WordPiece model behind BERT's splitting into words.

    Attributes:
      vocabulary: the tokens.
      size: how many of them words are made of; behind these are added tokens.
      max_characters: a longer word is unknown.
    """

    vocabulary: wordpiece_vocabulary.WordPieceVocabulary
    size: int
    max_characters: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class HuggingFaceTokenizer:
    """A checked tokenizer.

    Attributes:
      file_name: the name, without folders, of the file that decides.
      file_sha256: hex digest of that file's bytes.
      model: segments the text between added tokens.
      steps: what is done to that text first; none for `SlowAlbert`, which has settings instead.
      added_tokens: by id.
      lower_case: whether it lower-cases.
      keep_accents: whether it keeps accents.
      padding_id: id of the token that fills rows.
      unknown_id: id for text without a piece.
      start_of_sequence_id: id of `[CLS]`.
      end_of_segment_id: id of `[SEP]`.
      mask_id: id of `[MASK]`.
      notes: one sentence for each thing that the file does not say and that was filled in.
    """

    file_name: str
    file_sha256: str
    model: Unigram | SlowAlbert | WordPiece
    steps: tuple[Step, ...]
    added_tokens: tuple[AddedToken, ...]
    lower_case: bool
    keep_accents: bool
    padding_id: int
    unknown_id: int
    start_of_sequence_id: int
    end_of_segment_id: int
    mask_id: int
    notes: tuple[str, ...] = ()

    @property
    def pieces(self) -> tuple[str, ...]:
        """The model's pieces by id, and behind them the added tokens that are none of them."""
        own = self.model.vocabulary.pieces
        return own + tuple(token.content for token in self.added_tokens if token.id >= len(own))

    @property
    def vocab_size(self) -> int:
        """The number of ids."""
        return len(self.pieces)

    def check_vocab_size(self, vocab_size: int) -> None:
        """Checks that every id has a word embedding; there may be more embeddings than ids.

        Raises:
          errors.VocabularyError: there are fewer.
        """
        if self.vocab_size > vocab_size:
            raise errors.VocabularyError(
                f"{self.file_name} has {self.vocab_size} ids, but vocab_size is {vocab_size}"
            )
