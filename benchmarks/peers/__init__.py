"""What the delivery benchmark compares Coatcheck with, and the tools to do so."""
