"""Other people's checkpoint files, read without running any code in them.

Offers `read` (what a file holds), `load` (a ready generator), `convert` (to safetensors) and
`is_foreign` (is this such a file's name?). Three formats are known: pickles of StyleGAN2-ADA
(ada.py), `.pt` files of the rosinality implementation (rosinality.py), the DCGAN of the course's
starter (starter.py). The bytes are read by machine.py, tensors.py and container.py.
"""

from hw5.checkpoints.door import Checkpoint, convert, is_foreign, load, read

__all__ = ["Checkpoint", "convert", "is_foreign", "load", "read"]
