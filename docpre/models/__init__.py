"""The networks as plain ``torch.nn.Module``, and the reading of foreign weights. Needs the extra ``torch``."""
