"""Images and signals: data sets as whole tensors, and what a training step does to a batch of them."""

from grok.tasks.images.augmentation import crop_and_flip, draw_shifts_and_flips
from grok.tasks.images.cifar import CIFAR, cifar_task
from grok.tasks.images.digits import digits_task
from grok.tasks.images.image_task import DataError, ImageTask, image_task
from grok.tasks.images.make import DataFolder, make_image_task, measured_task, require
from grok.tasks.images.mnist1d import mnist1d_task
from grok.tasks.images.normalise import channel_statistics, normalise

__all__ = [
    "CIFAR",
    "DataError",
    "DataFolder",
    "ImageTask",
    "channel_statistics",
    "cifar_task",
    "crop_and_flip",
    "digits_task",
    "draw_shifts_and_flips",
    "image_task",
    "make_image_task",
    "measured_task",
    "mnist1d_task",
    "normalise",
    "require",
]
