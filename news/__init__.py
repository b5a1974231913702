"""The news module. Other modules import `news.service` only.

controller.py  routes, status codes and caching
service.py     use cases
rules.py       input validation and URL normalization
dao.py         DynamoDB access
table.py       the DynamoDB table and its indexes
model.py       types
"""
