"""Lesson 4B, a solution."""


def alignment(mass, scores):
    return -(mass * scores.log_softmax(0)).sum()


def gumbel_top_k(scores, uniform, k):
    noisy = scores - (-uniform.log()).log()
    return noisy.argsort(descending=True)[:k].tolist()


def gate(score):
    chance = score.sigmoid()
    return 1 + chance - chance.detach()
