// Shows the contract of the server that this page comes from. Nothing is loaded
// from elsewhere: the validator's badge, which would be, is off.
SwaggerUIBundle({
  url: "swagger.json",
  dom_id: "#contract",
  deepLinking: true,
  validatorUrl: null,
});
