"""The names in the artifacts' contract: TF Hub's, and additions. Public API; see CHANGELOG.md.

https://www.tensorflow.org/hub/common_saved_model_apis/text
"""

# Inputs of the encoder, outputs of the preprocessor: int32 [B, S].
INPUT_WORD_IDS = "input_word_ids"
INPUT_MASK = "input_mask"
INPUT_TYPE_IDS = "input_type_ids"
ENCODER_INPUTS = (INPUT_WORD_IDS, INPUT_MASK, INPUT_TYPE_IDS)

# Input of `from_embeddings`, in place of INPUT_WORD_IDS: float32 [B, S, E].
WORD_EMBEDDINGS = "word_embeddings"
EMBEDDINGS_INPUTS = (WORD_EMBEDDINGS, INPUT_MASK, INPUT_TYPE_IDS)

# Additional input of the masked language model: int32 [B, P].
MASKED_LM_POSITIONS = "masked_lm_positions"
MLM_INPUTS = (*ENCODER_INPUTS, MASKED_LM_POSITIONS)

# Additional outputs of the preprocessor's masking: int32 and float32 [B, P].
MASKED_LM_IDS = "masked_lm_ids"
MASKED_LM_WEIGHTS = "masked_lm_weights"

# Outputs of the encoder.
# float32 [B, H], the same tensor as POOLED_OUTPUT; the mean of SEQUENCE_OUTPUT without a pooler.
DEFAULT = "default"
POOLED_OUTPUT = "pooled_output"  # float32 [B, H]; not there without a pooler
SEQUENCE_OUTPUT = "sequence_output"  # float32 [B, S, H]
ENCODER_OUTPUTS = "encoder_outputs"  # list of num_hidden_layers float32 [B, S, H]
# List of num_hidden_layers * inner_group_num float32 [B, N, S, S]; there if asked for at export.
ATTENTION_PROBS = "attention_probs"

# Outputs of the heads.
MLM_LOGITS = "mlm_logits"  # float32 [B, P, V]
SOP_LOGITS = "sop_logits"  # float32 [B, 2]
LOGITS = "logits"  # float32 [B, C] of `classify`, [B, S, C] of `tag`, [B, N] of `choose`
START_LOGITS = "start_logits"  # float32 [B, S]
# float32 [B, S]; where the ends depend on the starts, [B, K, S] for the K best starts.
END_LOGITS = "end_logits"
START_POSITIONS = "start_positions"  # int32 [B, K], the K best starts
CLS_LOGITS = "cls_logits"  # float32 [B], that there is no answer

# Input of the preprocessor: string [B].
SENTENCES = "sentences"

# Signatures. The hidden layers are left out, because they are too large to send.
SERVING_DEFAULT = "serving_default"
MLM = "mlm"
SOP = "sop"
UNPADDED = "unpadded"
ENCODER_SIGNATURE_OUTPUTS = (DEFAULT, POOLED_OUTPUT, SEQUENCE_OUTPUT)
MLM_SIGNATURE_OUTPUTS = (MLM_LOGITS, POOLED_OUTPUT, SEQUENCE_OUTPUT)
SOP_SIGNATURE_OUTPUTS = (SOP_LOGITS, POOLED_OUTPUT)
CLASSIFY = "classify"
TAG = "tag"
ANSWER = "answer"
CHOOSE = "choose"  # its inputs are [B, N, S]
CLASSIFY_SIGNATURE_OUTPUTS = (LOGITS, POOLED_OUTPUT)
TAG_SIGNATURE_OUTPUTS = (LOGITS,)
ANSWER_SIGNATURE_OUTPUTS = (START_LOGITS, END_LOGITS)
ANSWER_BEAM_SIGNATURE_OUTPUTS = (*ANSWER_SIGNATURE_OUTPUTS, START_POSITIONS, CLS_LOGITS)
CHOOSE_SIGNATURE_OUTPUTS = (LOGITS,)

# Attributes of the heads of fine-tuned models: string variables [C] and [].
LABELS = "labels"
PROBLEM_TYPE = "problem_type"

# Attributes of an encoder that are there if asked for at export: the encoder on embeddings, and the
# attribute of that which looks them up.
FROM_EMBEDDINGS = "from_embeddings"
LOOKUP = "lookup"

# Attributes of an encoder: the vocabulary's asset, and whether a WordPiece vocabulary is uncased.
SP_MODEL_FILE = "sp_model_file"
VOCAB_FILE = "vocab_file"
DO_LOWER_CASE = "do_lower_case"

# Inputs of text models besides SENTENCES: string [B].
FIRST = "first"  # of a pair
SECOND = "second"
QUESTIONS = "questions"
CONTEXTS = "contexts"

# Outputs of text models.
LABEL = "label"  # string
SCORE = "score"  # float32
SCORES = "scores"  # float32
TRUNCATED = "truncated"  # bool [B], whether a text was cut; of an answer, its question
COUNT = "count"  # int32 [B], entities of a text
START = "start"  # int32, in bytes of the text
END = "end"  # int32, in bytes of the text
TEXT = "text"  # string, the text between
SENTENCE = "sentence"  # int32 [E], the text that an entity is in
PAIRS = "pairs"  # signature
ENTITIES = "entities"  # signature
ANSWER_TEXT = "answer"  # string [B]
NULL_SCORE = "null_score"  # float32 [B], that there is no answer
TOKENS = "tokens"  # string [B, K]
# string [B, K], SENTENCES of `fill_mask` in formats whose outputs cannot have an input's name.
FILLED_SENTENCES = "filled_sentences"

# Outputs of `serving_default`, by task.
CLASSIFIED_OUTPUTS = (LABEL, SCORE, SCORES, TRUNCATED)
TAGGED_OUTPUTS = (COUNT, LABEL, SCORE, START, END, TEXT, TRUNCATED)
ANSWERED_OUTPUTS = (ANSWER_TEXT, SCORE, START, END, NULL_SCORE, TRUNCATED)
FILLED_OUTPUTS = (TOKENS, SCORES, SENTENCES, TRUNCATED)
