"""One self-contained HTML file: sections of sentences, tables and charts in, a page out that asks nobody for anything.

`blocks` says what a page is made of, `render` writes it; look and behaviour are `templates/page.{html,css,js}`.
"""
