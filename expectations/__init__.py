"""Quality: contract to expectation suites to results to the quality vector Z."""
