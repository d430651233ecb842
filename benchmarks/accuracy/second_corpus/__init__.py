"""Labelled runs of kinds of training that the first corpus lacks, made from nothing but code."""
