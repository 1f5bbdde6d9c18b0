"""ARR-COC inside vLLM: an out-of-tree model that vLLM finds by the entry point `vllm.general_plugins`."""
