"""Watch every optimizer of a script that knows nothing of lrwatch.

``lrwatch run train.py`` becomes ``python train.py``, by `launch`, with one folder more on the
interpreter's path. As the interpreter starts it runs `startup`, which takes the folder off
again and waits for an optimizer (`beginning`); from then on `optimizers` watches what is made.
"""
