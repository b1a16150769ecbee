"""The `carillon brand` commands."""

from __future__ import annotations

import click


@click.group()
def brand() -> None:
    """Create, list, show and update brands.

    Tokens are made, and calls taken, only for brands that exist.
    """


@brand.command("create")
@click.argument("brand_id", metavar="ID")
@click.option("--name", help="For people. Default: the id.")
def create(brand_id: str, name: str | None) -> None:
    """Create a brand. ID: lower-case letters, digits and hyphens."""
    from server.cli import operators

    operators.create(brand_id, name)


@brand.command("list")
def show_all() -> None:
    """List the brands, a line each: id, tab, name."""
    from server.cli import operators

    operators.show_all()


@brand.command("show")
@click.argument("brand_id", metavar="ID")
def show(brand_id: str) -> None:
    """Show a brand."""
    from server.cli import operators

    operators.show(brand_id)


@brand.command("update")
@click.argument("brand_id", metavar="ID")
@click.option("--name", required=True, help="For people.")
def update(brand_id: str, name: str) -> None:
    """Change a brand; its id stays."""
    from server.cli import operators

    operators.update(brand_id, name)
