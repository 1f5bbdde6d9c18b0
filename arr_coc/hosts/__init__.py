"""Models of transformers as hosts: the only place that knows how a model is built."""
