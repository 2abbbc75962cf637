"""A test of each feature in `docs/reference/features.md`, by the first cell of its row.

`tests/test_features.py` holds that every feature has one, and that it exists.
"""

TESTS = {
    # Load and train
    "`hub.load`, and `hub.KerasLayer` of Keras 2, trained": (
        "tests/conformance/test_gradients.py"
        "::test_persistent_tape_gives_the_same_gradients_through_keras_layer"
    ),
    "signatures, which TensorFlow 1 sessions run, too": (
        "tests/conformance/test_serving.py::test_a_session_serves_mixed_shapes_to_many_threads"
    ),
    "a layer of Keras 3, trained and saved": (
        "tests/export/test_keras3.py"
        "::test_a_saved_model_goes_on_in_a_new_process_without_the_original"
    ),
    "PyTorch": (
        "tests/export/conversion/test_hugging_face.py"
        "::test_weights_and_config_of_transformers_come_back"
    ),
    "trained on several devices of a machine": (
        "tests/examples/test_examples.py::test_pairs_of_sentences_are_classified_on_two_devices"
    ),
    "trained on several machines": (
        "tests/examples/test_several_workers.py::test_two_workers_compute_what_one_computes"
    ),
    "activations recomputed in the backward pass": (
        "tests/conformance/test_recompute.py::test_gradients_are_those_without_recomputation"
    ),
    "masked language model, to continue the training": (
        "tests/scripts/test_continue_mlm.py::test_the_losses_fall_on_real_text"
    ),
    "sentence-order head": (
        "tests/export/model/test_heads.py::test_sentence_order_logits_equal_a_matrix_product"
    ),
    "heads of fine-tuned models in the export, and new ones": (
        "tests/export/test_new_heads.py::test_it_is_trained_and_saved_with_keras_2"
    ),
    "from a labelled file to a trained model in one command": (
        "tests/examples/test_fine_tune_classifier.py"
        "::test_the_exported_model_gives_the_labels_that_were_learned"
    ),
    "hidden layers as outputs": (
        "tests/export/model/test_albert.py"
        "::test_the_last_layer_is_the_sequence_output_and_default_the_pooled_output"
    ),
    "attention as an output": (
        "tests/conformance/test_explained.py"
        "::test_attention_outputs_and_gradients_are_those_of_transformers"
    ),
    "embeddings in place of ids, with gradients": (
        "tests/conformance/test_explained.py"
        "::test_the_table_gets_the_same_gradient_through_a_lookup_as_through_ids"
    ),
    "bfloat16": "tests/conformance/test_outputs.py::test_restored_outputs_equal_the_oracle",
    "padding is not computed": (
        "tests/export/model/test_unpadding.py"
        "::test_unpadded_has_a_row_for_every_token_and_every_first_position"
    ),
    "LoRA adapters": (
        "tests/export/checkpoints/readers/test_lora_adapter.py"
        "::test_the_head_of_an_adapter_computes_what_the_merged_model_of_peft_does"
    ),
    # From text to ids
    "preprocessor in the TensorFlow graph": (
        "tests/preprocess/test_preprocessor.py::test_the_root_call_equals_tf_hubs"
    ),
    "SentencePiece models": ("tests/preprocess/steps/test_tokenize.py::test_hub_ids_equal_tf_hubs"),
    "`tokenizer.json`": (
        "tests/preprocess/tokenizers/test_hugging_face_tokenizer.py"
        "::test_ids_equal_the_recorded_ones"
    ),
    "WordPiece, `vocab.txt`": (
        "tests/preprocess/test_preprocessor.py"
        "::test_word_pieces_are_exported_with_the_same_contract"
    ),
    "offsets of tokens in the text that was given": (
        "tests/preprocess/test_preprocessor.py::test_loaded_offsets_lie_in_the_original_text"
    ),
    "pairs of texts": (
        "tests/preprocess/test_preprocessor.py::test_the_loaded_packing_equals_model_gardens"
    ),
    "windows of long documents": (
        "tests/preprocess/test_preprocessor.py::test_loaded_windows_cover_the_document"
    ),
    "masking for training": (
        "tests/preprocess/steps/test_mask_lm.py::test_the_statistics_are_the_originals"
    ),
    "from ids to text": (
        "tests/preprocess/test_preprocessor.py::test_loaded_ids_become_text_again"
    ),
    "a vocabulary of one's own": (
        "tests/scripts/test_train_vocabulary.py"
        "::test_the_command_writes_a_model_that_can_be_exported"
    ),
    # From text to the answer
    "vectors: pooling, dense layers, normalization": (
        "tests/export/tasks/test_embed.py::test_poolings_are_those_of_sentence_transformers"
    ),
    "labels, entities, answers, masked words": (
        "tests/export/tasks/test_tasks.py::test_labels_and_scores_are_those_of_the_pipeline"
    ),
    "these in one SavedModel that takes text": (
        "tests/conformance/test_text_models.py::test_outputs_are_those_of_the_reference"
    ),
    "long texts in parts, whose vectors are pooled": (
        "tests/export/tasks/test_embed.py::test_long_texts_are_pooled_over_their_parts"
    ),
    "its REST `:predict` without Docker": (
        "tests/examples/test_http_server.py"
        "::test_labels_are_those_of_the_signature_with_and_without_a_content_type"
    ),
    "TensorFlow Serving, by REST and gRPC": (
        "tests/conformance/test_text_serving.py::test_instances_give_a_prediction_each"
    ),
    "warm-up requests for it": (
        "tests/conformance/test_serving.py::test_warmup_requests_run_on_every_signature"
    ),
    "search in vectors": (
        "tests/examples/test_examples.py"
        "::test_the_nearest_sentences_come_in_order_and_can_be_read_from_a_file"
    ),
    # Other runtimes
    "ONNX": (
        "tests/export/conversion/onnx/test_signature_model.py"
        "::test_every_signature_computes_what_the_oracle_does"
    ),
    "LiteRT": (
        "tests/export/conversion/test_runtimes.py::test_the_command_publishes_what_verify_accepts"
    ),
    "OpenVINO": (
        "tests/export/conversion/test_runtimes.py"
        "::test_every_signature_computes_what_the_oracle_does"
    ),
    "browsers": (
        "tests/export/conversion/test_in_browser.py"
        "::test_text_becomes_the_savedmodels_vector_in_onnx_runtime"
    ),
    "int8": ("tests/export/conversion/test_runtimes.py::test_quantized_files_are_small_and_close"),
    "from text, tokenizer included": (
        "tests/export/conversion/test_text.py::test_labels_are_those_of_the_pipeline"
    ),
    "compared with the original before it is published": (
        "tests/export/conversion/test_conversion.py"
        "::test_what_is_worse_than_min_cosine_is_not_published"
    ),
    # Weights
    "reads google-research/albert and TF1 Hub modules": (
        "tests/export/checkpoints/test_mapping.py"
        "::test_every_source_gives_the_weights_of_the_original_to_the_bit"
    ),
    "reads Hugging Face": (
        "tests/export/checkpoints/readers/test_hugging_face_download.py"
        "::test_weights_on_the_hub_equal_those_on_disk"
    ),
    "reads Model Garden and KerasHub": (
        "tests/export/checkpoints/test_mapping.py"
        "::test_every_source_gives_the_weights_of_the_original_to_the_bit"
    ),
    "reads SavedModels of TF Hub, and trained ones": (
        "tests/export/test_new_heads.py::test_the_whole_object_is_saved_and_read_again"
    ),
    "reads folders of sentence-transformers": (
        "tests/export/tasks/test_embed.py"
        "::test_one_command_gives_the_vectors_of_sentence_transformers"
    ),
    "several layer groups (`num_hidden_groups`)": (
        "tests/export/checkpoints/test_cases.py"
        "::test_sizes_groups_and_inner_blocks_are_those_of_the_weights"
    ),
    "missing and unexpected tensors are an error": (
        "tests/export/checkpoints/test_restore.py::test_one_error_lists_every_problem"
    ),
    "back to transformers and sentence-transformers": (
        "tests/export/conversion/test_text.py"
        "::test_vectors_and_those_in_sentence_transformers_are_the_recorded_ones"
    ),
    # Trust
    "every weight and the outputs compared with the checkpoint": (
        "tests/export/test_verify.py::test_artifact_equals_every_source_of_its_weights"
    ),
    "SavedModels of strangers are read before they run": (
        "tests/export/saved_models/test_loading.py"
        "::test_hostile_models_are_refused_before_anything_runs"
    ),
    "a version appears complete, or not at all": (
        "tests/export/publishing/test_kills.py"
        "::test_a_killed_exporter_leaves_a_complete_version_or_none"
    ),
    "the same command gives the same bytes": (
        "tests/export/artifacts/test_encoder_artifact.py::test_two_processes_write_the_same_bytes"
    ),
    "signed releases with provenance (SLSA)": (
        "tests/export/release/test_release.py::test_model_signings_command_verifies_every_signature"
    ),
    "bills of materials (CycloneDX)": (
        "tests/export/release/test_bill_of_materials.py"
        "::test_it_is_valid_and_names_packages_weights_tokenizer_and_source"
    ),
    "a page for each model": (
        "tests/export/release/site/test_model_pages.py"
        "::test_page_of_large_has_all_that_the_seed_page_has"
    ),
    # A corpus
    "texts in files to vectors, labels, entities or answers in Parquet, resumed after a kill": (
        "tests/scripts/test_embed_corpus.py"
        "::test_nothing_is_lost_or_doubled_when_two_workers_are_killed_and_started_again"
    ),
    "on all cores or devices of a machine": (
        "tests/scripts/test_embed_corpus.py"
        "::test_nothing_is_lost_or_doubled_when_two_workers_are_killed_and_started_again"
    ),
    "on a cluster": (
        "tests/scripts/test_embed_corpus_on_dask.py::test_a_killed_worker_costs_no_text_and_no_bit"
    ),
}
