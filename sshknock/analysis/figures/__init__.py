"""The paper's figures made again from data, and the same for the other generators."""
