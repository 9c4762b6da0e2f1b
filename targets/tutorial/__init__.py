"""The systems of a tutorial on pooling, each as it is written there and beside it as it should be."""
