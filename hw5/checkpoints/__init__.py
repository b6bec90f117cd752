"""Other people's checkpoint files, read without running any code in them.

Offers `read` (what a file holds), `load` (a ready generator), `convert` (to safetensors) and
`is_foreign` (is this such a file's name?). Four formats are known: pickles of StyleGAN2-ADA
(ada.py), those of TensorFlow before it (tensorflow.py), `.pt` files of the rosinality
implementation (rosinality.py), and the DCGAN of the course's starter (starter.py). The bytes are
read by machine.py, tensors.py and container.py. Read next: door.py.
"""

from hw5.checkpoints.door import Checkpoint, convert, is_foreign, load, read

__all__ = ["Checkpoint", "convert", "is_foreign", "load", "read"]
