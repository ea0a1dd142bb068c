"""What a model may do: one module per family of tools, and the box that carries calls out. No model is called here."""
