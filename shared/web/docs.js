// Starts Swagger UI with the OpenAPI document of this service.
const main = document.getElementById("docs");
SwaggerUIBundle({
  url: main.dataset.openapi,
  domNode: main,
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null, // the default sends the document to swagger.io
});
