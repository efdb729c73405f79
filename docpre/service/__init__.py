"""The REST service: PaddleOCR's interface over HTTP. ``docpre serve`` runs it; it needs the extra ``serve``."""
