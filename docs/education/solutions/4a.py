"""Lesson 4A, a solution."""

import torch
import torch.nn.functional as F

BLANK, IGNORE = 0, -100


def slot_of(x, y, columns):
    column, line = int(x // 8), int(y // 16)
    return (line // 2) * columns + column // 4, (line % 2) * 4 + column % 4


def accuracy(logits, slots):
    printed = slots > BLANK
    return float((logits.argmax(-1) == slots)[printed].float().mean())


def dense_loss(logits, slots, blank_weight=0.1):
    weight = torch.ones(logits.shape[-1])
    weight[BLANK] = blank_weight
    return F.cross_entropy(logits.flatten(0, 1), slots.flatten(), weight, ignore_index=IGNORE)
