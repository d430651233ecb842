"""From view models to Dash elements; pure functions.

Everything a user named is given as text; nothing here makes markup of it.
"""
