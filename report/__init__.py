"""The report: one page that shows the whole main job with its measured figures.

build.py runs the jobs (projections.py, drawings.py), turns them into figures (figures.py,
charts.py, markup.py), sets them into the text (text/*.md, template.html, style.css) and checks the
page (check.py).
"""
