"""Range tests: a training whose rate is swept upwards, after which all is as it was.

::

    found = lrwatch.range_test(model, optimizer, loss_fn, loader)
    print(found.lr, found.low, found.high, found.reason)
"""

from lrwatch.range_testing.restoring import restored
from lrwatch.range_testing.sweeping import range_test

__all__ = ["range_test", "restored"]
