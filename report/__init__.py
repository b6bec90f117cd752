"""The report: one page that shows the main job, the student's runs and the student's words.

build.py is the whole: job.py runs the main job (projections.py, drawings.py, turned into figures by
figures.py, charts.py, markup.py); runs.py finds run folders and gallery.py shows them; page.py sets
everything into the text (text/*.md, template.html, style.css); parts.py knows what is missing;
check.py looks the page over; handin.py packs it.
"""
