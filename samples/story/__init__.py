"""The sample campaign, told as tables: observables, then one module for each desk that saw a part of it."""
