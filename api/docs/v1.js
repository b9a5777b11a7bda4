// Shows the OpenAPI document of the /v1 API of the server that this page comes from.
// Nothing is loaded from elsewhere: the validator's badge, which would be, is off. The
// address is absolute and without the user and password that the page's own may have:
// browsers do not fetch addresses that have them.
SwaggerUIBundle({
  url: new URL("../v1/openapi.json", location.origin + location.pathname).href,
  dom_id: "#contract",
  deepLinking: true,
  validatorUrl: null,
});
