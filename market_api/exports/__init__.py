"""What the market tells other systems of its catalogue, in their standards: ODCS 3.1, DCAT 3, ODRL 2.2."""
