"""Rules judged by Spark, where the data are: the engine and what it is made of."""
