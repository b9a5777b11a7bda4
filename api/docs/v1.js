// Shows the OpenAPI document of the /v1 API of the server that this page comes from.
// Nothing is loaded from elsewhere: the validator's badge, which would be, is off.
SwaggerUIBundle({
  url: "../v1/openapi.json",
  dom_id: "#contract",
  deepLinking: true,
  validatorUrl: null,
});
