"""Makes the documentation site: the pages that GitHub shows, and a reference made from the code.

::

    pages, contents      which files of the repository are pages, and in which order they are listed
    python_api           a page for each public module, which mkdocstrings fills
    http_api             the page of spec/openapi.yaml
    npm_api              the pages that TypeDoc makes of the npm package
    wire_schema          the page of spec/reference.schema.json
    source               all of them, laid out as the site's generator wants them
    verify               what must be true of the HTML, whatever made it
"""
