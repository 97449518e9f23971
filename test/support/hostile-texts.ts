/** Texts that become code, markup or formulas where somebody trusts them. */
export const HOSTILE_TEXTS: readonly string[] = [
  '<script>alert("script")</script>',
  '<img src=x onerror=alert("img")>',
  '<svg/onload=alert("svg")>',
  '"><iframe srcdoc="<script>parent.alert(1)</script>">',
  "'-alert('quote')-'",
  'javascript:alert("url")',
  '<a href="javascript:alert(1)" autofocus onfocus=alert("focus")>x</a>',
  '<style>*{display:none}</style>',
  '</textarea></title></script><script>alert("end")</script>',
  '{{constructor.constructor("alert(1)")()}}#{alert("template")}',
  '&lt;script&gt;alert("entity")&lt;/script&gt;',
  '\u202egnp.exe',
  '=HYPERLINK("http://evil.example","click")',
  '__proto__',
];
