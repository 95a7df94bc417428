"""What /metrics says, as Prometheus reads it."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """The samples of one text. Raises ValueError if Prometheus could not read it."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        names = [family.name for family in families]
        assert len(names) == len(set(names)), "a family comes twice"
        found = [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]
        keys = [(name, *sorted(labels.items())) for name, labels, _ in found]
        assert len(keys) == len(set(keys)), "a sample comes twice"
        self.kinds = {family.name: family.type for family in families}
        self.helps = {family.name: family.documentation for family in families}
        self._samples = found

    @property
    def names(self) -> set[str]:
        return {name for name, _, _ in self._samples}

    def all(self, name: str, **labels: str) -> list[float]:
        """The values of the samples that have at least these labels."""
        return [value for sample, has, value in self._samples if sample == name and labels.items() <= has.items()]

    def one(self, name: str, **labels: str) -> float:
        """The value of the only such sample."""
        (value,) = self.all(name, **labels)
        return value

    def total(self, name: str, **labels: str) -> int:
        """Their sum; at least one is there."""
        values = self.all(name, **labels)
        assert values, f"no sample of {name} {labels}"
        return round(sum(values))

    def by(self, name: str, label: str) -> dict[str, float]:
        """Values by the value of one label."""
        return {has[label]: value for sample, has, value in self._samples if sample == name}


def scrape(address: str) -> Scrape:
    """What a server says now. Raises OSError."""
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - addresses of the test's own making
        assert answer.headers["Content-Type"].startswith("text/plain")
        return Scrape(answer.read().decode())
