"""Images and signals: data sets as whole tensors, and the augmentations of a batch."""

from grok.tasks.images.augmentation import crop_and_flip, draw_shifts_and_flips
from grok.tasks.images.cifar import CIFAR, cifar_task
from grok.tasks.images.data_set import DataFolder, DataSet
from grok.tasks.images.digits import digits_task
from grok.tasks.images.image_task import DataError, ImageTask, image_task
from grok.tasks.images.make import DATA_SETS, make_image_task, measured_task, require_data
from grok.tasks.images.mnist1d import mnist1d_task
from grok.tasks.images.normalise import channel_statistics, normalise
from grok.tasks.images.rand_augment import cutout, draw_cutouts, rand_augment
from grok.tasks.images.signals import draw_strong_signals, draw_weak_signals, strong_signals, weak_signals
from grok.tasks.images.views import VIEWS, View, strong_view

__all__ = [
    "CIFAR",
    "DATA_SETS",
    "VIEWS",
    "DataError",
    "DataFolder",
    "DataSet",
    "ImageTask",
    "View",
    "channel_statistics",
    "cifar_task",
    "crop_and_flip",
    "cutout",
    "digits_task",
    "draw_cutouts",
    "draw_shifts_and_flips",
    "draw_strong_signals",
    "draw_weak_signals",
    "image_task",
    "make_image_task",
    "measured_task",
    "mnist1d_task",
    "normalise",
    "rand_augment",
    "require_data",
    "strong_signals",
    "strong_view",
    "weak_signals",
]
