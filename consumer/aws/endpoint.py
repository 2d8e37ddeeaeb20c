"""The host names of AWS services, by region."""

# The suffix of each partition whose regions begin so (botocore 1.44, data/partitions.json: regionRegex and dnsSuffix).
_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}


def host(service: str, region: str) -> str:
    """The host name of a service such as `sts` in a region of any partition."""
    suffixes = (suffix for prefix, suffix in _SUFFIXES.items() if region.startswith(prefix))
    return f"{service}.{region}.{next(suffixes, 'amazonaws.com')}"
