"""Contracts: ODCS documents, read losslessly, judged, and compiled to what the model knows."""
