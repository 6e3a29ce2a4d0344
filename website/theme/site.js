// A table that is wider than the screen can be scrolled by keyboard too. The theme wraps tables late.
const reachable = () => {
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
    wrap.tabIndex = 0;
    wrap.setAttribute("role", "region");
    wrap.setAttribute("aria-label", "Table");
  }
};
new MutationObserver(reachable).observe(document.body, { childList: true, subtree: true });
reachable();
