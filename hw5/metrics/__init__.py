"""Rulers: how near two pictures are, and how near two sets of pictures are.

`pixels` (MSE, PSNR, SSIM), `perceptual` (LPIPS), `distribution` (FID, KID), `sliced` (SWD),
`neighbours` (precision, recall, near copies), `segmentation` (IoU), `identity` (the same cat?),
`what_changed` (which factors did an edit move?), `triplets` (does a ruler order pictures as the
world says?). Import the one you need: `from hw5.metrics import pixels`; nothing heavy is loaded
before that. Read pixels.py first.
"""
