"""Networks only: no training, no files.

generator.py says what every generator offers; stylegan2.py and dcgan.py are the two.
Weights come in through hw5/zoo.
"""
