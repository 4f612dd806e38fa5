"""Clouds and hypervisors by their DMI strings."""

from __future__ import annotations

import pytest

from armbench.bench import cloud
from armbench.bench.cloud import Cloud

AZURE = "7783-7084-3265-9085-8269-3286-77"


@pytest.mark.parametrize(
    ("vendor", "product", "tag", "found"),
    [
        ("Amazon EC2", "m9g.48xlarge", None, Cloud("aws", "m9g.48xlarge", "nitro")),
        ("Amazon EC2", "m9g.metal-48xl", None, Cloud("aws", "m9g.metal-48xl", None)),
        ("Amazon EC2", "u-6tb1.56xlarge", None, Cloud("aws", "u-6tb1.56xlarge", "nitro")),
        ("Amazon EC2", "no instance type", None, Cloud("aws", None, "nitro")),
        ("Amazon EC2", None, None, Cloud("aws", None, "nitro")),
        ("Google", "Google Compute Engine", None, Cloud("gcp", None, "kvm")),
        ("Google", "Caroline", None, Cloud()),
        ("Microsoft Corporation", "Virtual Machine", AZURE, Cloud("azure", None, "hyper-v")),
        ("Microsoft Corporation", "Virtual Machine", None, Cloud("azure", None, "hyper-v")),
        ("Microsoft Corporation", "Virtual Machine", "other", Cloud(hypervisor="hyper-v")),
        ("Microsoft Corporation", "Surface Pro", None, Cloud()),
        ("Alibaba Cloud", "Alibaba Cloud ECS", None, Cloud("alicloud", None, "kvm")),
        ("Hetzner", "vServer", "Not Specified", Cloud("hetzner", None, "kvm")),
        ("QEMU", "KVM Virtual Machine", "OracleCloud.com", Cloud("oracle", None, "kvm")),
        ("QEMU", "Standard PC (Q35 + ICH9, 2009)", None, Cloud(hypervisor="qemu")),
        ("VMware, Inc.", "VMware7,1", None, Cloud(hypervisor="vmware")),
        ("Xen", "HVM domU", None, Cloud(hypervisor="xen")),
        ("Dell Inc.", "PowerEdge R740", "ABC", Cloud()),
        (None, None, None, Cloud()),
    ],
)
def test_find(vendor: str | None, product: str | None, tag: str | None, found: Cloud) -> None:
    assert cloud.find({"sys_vendor": vendor, "product_name": product, "chassis_asset_tag": tag}) == found
