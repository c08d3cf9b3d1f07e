"""Where the packages that we run come from: the bill of materials, and what is known against them.

python -m tests.supply audit | sbom
"""
